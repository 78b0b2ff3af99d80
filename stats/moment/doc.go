// Package moment is the one type that passes between storage and statistics: exact sums over subjects.
package moment
