// Package results is what the engine publishes: one experiment at one instant, and the hub that hands it on.
package results
