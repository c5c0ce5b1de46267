#!/usr/bin/env node
import { runCli } from './cli/cli.ts';

/** How long something that was forgotten may keep the process alive once its command is over, ms. */
const lingerMs = 2_000;

const code = await runCli(process.argv.slice(2));
process.exitCode = code;
setTimeout(() => process.exit(code), lingerMs).unref();
