// Package tidemark is the root of a streaming engine for experiment metrics. Its code is in the folders; the root only
// holds the tests of how they may import one another.
package tidemark
