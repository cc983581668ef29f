#!/usr/bin/env node
/** The command line `fleet-reflex`: its commands are the files of bin/commands/. */
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
