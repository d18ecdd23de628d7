"""The runner: reads scenarios, drives the gateway from outside, and judges what it left behind."""
