// Package mutants holds bugs that were put into the code on purpose (mutants.txt), to show that the tests find them: each
// is compiled in by an overlay, without touching the tree, and its named test must fail.
package mutants
