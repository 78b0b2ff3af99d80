// Package realdata holds definitions for public data sets and the tests that hold the engine's figures against exact
// reference results computed elsewhere: every count and sum in every cell of every grouping, and se, z, p and intervals
// to 1e-9. The data have no licence to be shipped; they are read from ../shared/data beside the project, and the tests
// skip, visibly, where that folder is missing.
package realdata
