// Package peers holds the engines that Tidemark is measured beside, each a folder with an executable file named peer that
// follows the contract in the doc of command bench; README.md has versions, settings and reasons. There is no Go in it but
// the export that the batch peers start from, and the test that holds every peer against the oracle.
package peers
