// A process of its own for each adapter, started by `DriverProcess`. What a library of Bluetooth throws, or
// the kernel does to it, ends this process and not the one that serves doors.
import { openBleno } from "./bleno-stack.ts";
import { serveRadio } from "./radio-channel.ts";

serveRadio(openBleno);
