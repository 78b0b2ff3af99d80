// Package state keeps what each subject has done: one small mergeable record per subject, in Pebble.
package state
