// SPDX-License-Identifier: GPL-2.0
// An I2C bus with an MCP23017 port expander at 0x20 and a DS3231 clock at 0x68, for the kernel rig:
// chips that behave, where i2c-stub is memory. Each can be pulled out: it then does not acknowledge.
// Its other end is in /sys/module/rig_i2c/parameters. Register maps: Microchip DS20001952, Analog
// Devices DS3231 (19-5170).
#include <linux/bcd.h>
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/timekeeping.h>

static DEFINE_MUTEX(lock);
static bool expander, clock_chip;
static ushort pins = 0xffff;
static u8 mcp[0x16];
static u8 ds[0x13];
static s64 clock_ahead; // of the kernel's boot time, in s
static ulong transfers;
module_param(transfers, ulong, 0444);

enum { IODIRA = 0, IPOLA = 2, GPINTENA = 4, DEFVALA = 6, INTCONA = 8, IOCON = 0x0a, GPPUA = 0x0c,
	INTFA = 0x0e, INTCAPA = 0x10, GPIOA = 0x12, OLATA = 0x14 };

static void reset_mcp(void)
{
	memset(mcp, 0, sizeof(mcp));
	mcp[IODIRA] = mcp[IODIRA + 1] = 0xff;
}

static u8 mcp_port(int port)
{
	u8 world = pins >> (8 * port);
	u8 in = mcp[IODIRA + port];

	return ((world ^ mcp[IPOLA + port]) & in) | (mcp[OLATA + port] & ~in);
}

static u8 mcp_read(u8 reg)
{
	if (reg >= sizeof(mcp))
		return 0;
	if (reg == GPIOA || reg == GPIOA + 1) {
		mcp[INTFA + reg - GPIOA] = 0;
		return mcp_port(reg - GPIOA);
	}
	return mcp[reg];
}

static void mcp_write(u8 reg, u8 value)
{
	if (reg >= sizeof(mcp) || (reg >= INTFA && reg < GPIOA))
		return;
	if (reg == GPIOA || reg == GPIOA + 1)
		reg += OLATA - GPIOA;
	// IOCON has two addresses. BANK, which would move all the others, is not modelled.
	if (reg == IOCON || reg == IOCON + 1)
		mcp[IOCON] = mcp[IOCON + 1] = value & 0x7e;
	else
		mcp[reg] = value;
}

static s64 boot_seconds(void)
{
	return ktime_get_boottime_seconds();
}

static void ds_now(void)
{
	struct tm t;

	time64_to_tm(boot_seconds() + clock_ahead, 0, &t);
	ds[0] = bin2bcd(t.tm_sec);
	ds[1] = bin2bcd(t.tm_min);
	ds[2] = bin2bcd(t.tm_hour);
	ds[3] = t.tm_wday + 1;
	ds[4] = bin2bcd(t.tm_mday);
	ds[5] = bin2bcd(t.tm_mon + 1) | (t.tm_year >= 200 ? 0x80 : 0);
	ds[6] = bin2bcd(t.tm_year % 100);
}

static void ds_set(void)
{
	int year = 2000 + bcd2bin(ds[6]) + (ds[5] & 0x80 ? 100 : 0);

	clock_ahead = mktime64(year, bcd2bin(ds[5] & 0x1f), bcd2bin(ds[4] & 0x3f),
			       bcd2bin(ds[2] & 0x3f), bcd2bin(ds[1]), bcd2bin(ds[0])) -
		      boot_seconds();
}

static void ds_write(u8 reg, u8 value)
{
	if (reg >= sizeof(ds))
		return;
	if (reg <= 6) {
		ds[reg] = value;
		ds_set();
	} else if (reg == 0x0f) {
		// The oscillator-stop flag can be cleared, not set.
		ds[reg] = (value & 0x7f) | (ds[reg] & value & 0x80);
	} else {
		ds[reg] = value;
	}
}

static s32 rig_xfer(struct i2c_adapter *adapter, u16 address, unsigned short flags, char read,
		    u8 reg, int size, union i2c_smbus_data *data)
{
	bool is_mcp = address == 0x20 && expander;
	int i, count;
	u8 *bytes;

	guard(mutex)(&lock);
	if (!is_mcp && !(address == 0x68 && clock_chip))
		return -ENXIO;
	transfers++;
	switch (size) {
	case I2C_SMBUS_QUICK:
		return 0;
	case I2C_SMBUS_BYTE:
		if (read)
			data->byte = 0;
		return 0;
	case I2C_SMBUS_BYTE_DATA:
		bytes = &data->byte;
		count = 1;
		break;
	case I2C_SMBUS_WORD_DATA:
		bytes = (u8 *)&data->word;
		count = 2;
		break;
	case I2C_SMBUS_I2C_BLOCK_DATA:
		bytes = &data->block[1];
		count = min_t(int, data->block[0], I2C_SMBUS_BLOCK_MAX);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!is_mcp)
		ds_now();
	for (i = 0; i < count; i++) {
		if (is_mcp && read)
			bytes[i] = mcp_read(reg + i);
		else if (is_mcp)
			mcp_write(reg + i, bytes[i]);
		else if (read)
			bytes[i] = reg + i < sizeof(ds) ? ds[reg + i] : 0;
		else if (reg > 6 || i + reg > 6)
			ds_write(reg + i, bytes[i]);
		else
			ds[reg + i] = bytes[i];
	}
	// All seven bytes of a time that is written at once go in together.
	if (!is_mcp && !read && reg <= 6)
		ds_set();
	return 0;
}

static u32 rig_func(struct i2c_adapter *adapter)
{
	return I2C_FUNC_SMBUS_QUICK | I2C_FUNC_SMBUS_BYTE | I2C_FUNC_SMBUS_BYTE_DATA |
	       I2C_FUNC_SMBUS_WORD_DATA | I2C_FUNC_SMBUS_I2C_BLOCK;
}

static const struct i2c_algorithm rig_algorithm = { .smbus_xfer = rig_xfer, .functionality = rig_func };
static struct i2c_adapter rig_adapter = {
	.owner = THIS_MODULE, .name = "rig board", .algo = &rig_algorithm, .nr = 1,
};

// A chip that comes back has lost its registers.
static int set_expander(const char *text, const struct kernel_param *param)
{
	int failed;

	guard(mutex)(&lock);
	failed = param_set_bool(text, param);
	if (!failed && !expander)
		reset_mcp();
	return failed;
}

static const struct kernel_param_ops expander_ops = { .set = set_expander, .get = param_get_bool };
module_param_cb(expander, &expander_ops, &expander, 0644);
module_param(clock_chip, bool, 0644);
// What the world puts on the expander's inputs: port A in the low byte.
module_param(pins, ushort, 0644);

// What the expander drives, port A in the low byte, and which pins it drives at all.
static int get_outputs(char *text, const struct kernel_param *param)
{
	guard(mutex)(&lock);
	return sprintf(text, "%02x%02x %02x%02x\n", mcp[OLATA + 1] & 0xff, mcp[OLATA] & 0xff,
		       (u8)~mcp[IODIRA + 1], (u8)~mcp[IODIRA]);
}

static const struct kernel_param_ops outputs_ops = { .get = get_outputs };
module_param_cb(outputs, &outputs_ops, NULL, 0444);

// Seconds since 1970 that the clock shows from now on.
static int set_clock(const char *text, const struct kernel_param *param)
{
	long long at;
	int failed = kstrtoll(text, 10, &at);

	guard(mutex)(&lock);
	if (!failed)
		clock_ahead = at - boot_seconds();
	return failed;
}

static int get_clock(char *text, const struct kernel_param *param)
{
	guard(mutex)(&lock);
	return sprintf(text, "%lld\n", boot_seconds() + clock_ahead);
}

static const struct kernel_param_ops clock_ops = { .set = set_clock, .get = get_clock };
module_param_cb(clock_at, &clock_ops, NULL, 0644);

static int set_stopped(const char *text, const struct kernel_param *param)
{
	bool stopped;
	int failed = kstrtobool(text, &stopped);

	guard(mutex)(&lock);
	if (!failed)
		ds[0x0f] = (ds[0x0f] & 0x7f) | (stopped ? 0x80 : 0);
	return failed;
}

static int get_stopped(char *text, const struct kernel_param *param)
{
	guard(mutex)(&lock);
	return sprintf(text, "%d\n", ds[0x0f] >> 7);
}

static const struct kernel_param_ops stopped_ops = { .set = set_stopped, .get = get_stopped };
module_param_cb(clock_stopped, &stopped_ops, NULL, 0644);

static int __init rig_init(void)
{
	reset_mcp();
	ds[0x0f] = 0x88;
	ds[0x0e] = 0x1c;
	return i2c_add_numbered_adapter(&rig_adapter);
}

static void __exit rig_exit(void)
{
	i2c_del_adapter(&rig_adapter);
}

module_init(rig_init);
module_exit(rig_exit);
MODULE_DESCRIPTION("The kernel rig's I2C bus: an MCP23017 and a DS3231 that can be pulled out");
MODULE_LICENSE("GPL");
