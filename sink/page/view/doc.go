// Package view is what the page says about results, before there is HTML: groups of rows, their texts and drawings, the
// verdict and its reasons, how fresh the data is. It owns the words and the drawing's geometry; every number in it is
// written by the formatter of stream/results. The page renders it and the live stream sends what changed of it, so the
// two cannot disagree. It is pure: what it says depends on its arguments alone.
package view
