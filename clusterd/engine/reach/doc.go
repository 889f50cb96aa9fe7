// Package reach keeps who accuses whom of silence, and decides when the
// accusers of a member are enough to call it unreachable.
package reach
