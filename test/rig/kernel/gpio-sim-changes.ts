/** What the rig's simulated chip has to do that the kernel's `gpio-sim.c` does not. */
export const gpioSimChanges: readonly (readonly [before: string, after: string])[] = [
  // It puts an output that is let go back to its pull. The chips of a board keep its level, and a rig
  // that secured a dead controller's strikes by itself would prove nothing about ours.
  [
    `		__assign_bit(offset, chip->value_map,
			     !!test_bit(offset, chip->pull_map));
		__clear_bit`,
    "\t\t__clear_bit",
  ],
  [
    `	scoped_guard(mutex, &chip->lock)
		__set_bit(offset, chip->direction_map);`,
    `	scoped_guard(mutex, &chip->lock) {
		__set_bit(offset, chip->direction_map);
		__assign_bit(offset, chip->value_map, !!test_bit(offset, chip->pull_map));
	}`,
  ],
  // A driver's bias overrides what the world has put on the line. A closed contact is stronger than a
  // resistor.
  [
    "	struct irq_domain *irq_sim;\n	struct mutex lock;",
    "	DECLARE_BITMAP(world_map, 1024);\n	struct irq_domain *irq_sim;\n	struct mutex lock;",
  ],
  [
    "		return gpio_sim_apply_pull(chip, offset, 1);",
    "		return test_bit(offset, chip->world_map) ? 0 : gpio_sim_apply_pull(chip, offset, 1);",
  ],
  [
    "		return gpio_sim_apply_pull(chip, offset, 0);",
    "		return test_bit(offset, chip->world_map) ? 0 : gpio_sim_apply_pull(chip, offset, 0);",
  ],
  [
    "	ret = gpio_sim_apply_pull(chip, line_attr->offset, pull);",
    "	set_bit(line_attr->offset, chip->world_map);\n" +
      "	ret = gpio_sim_apply_pull(chip, line_attr->offset, pull);",
  ],
];

/** irq_to_desc is not exported to modules. */
export const irqSimChanges: readonly (readonly [before: string, after: string])[] = [
  ["handle_simple_irq(irq_to_desc(irqnum));", "generic_handle_irq(irqnum);"],
];

/** Throws where the kernel's source is no longer what a change was made for. */
export function changed(
  text: string,
  changes: readonly (readonly [before: string, after: string])[],
): string {
  return changes.reduce((done, [before, after]) => {
    if (done.split(before).length !== 2) throw new Error(`not once in the source: ${before}`);
    return done.replace(before, () => after);
  }, text);
}
