// Peerbench has Pando and other actor runtimes for Go do the same work, and
// compares them:
//
//	go run .                                  everything, 9 rounds of 1 s
//	go run . -runs 1 -d 100ms                 a first look
//	go run . -only tell1,ask -peers goakt     two lines, against one peer
//	go run . -into ../../docs/benchmarks.md   replaces the tables of that page
//	go run . -only remote                     between two processes, over loopback
//
// Each measurement runs in a process of its own: this program, started again.
// Rounds are interleaved: one line of the table is measured for one runtime after
// the other before the next line begins, so that drift of the machine meets all
// alike. The tables go to stdout, progress to stderr.
//
// What a [Runtime] has to do is its documentation; each is in a file of its name,
// with what was done so that it shows its best. A workload is an error, and no
// number, if a message, an answer or a stop is lost.
package main
