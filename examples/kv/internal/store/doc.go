// Package store is what the keys of one slot hold and the commands on them: a
// state machine without clock, goroutines or network.
//
//	s := store.New(seed)
//	var w resp.Writer
//	change := s.Do(now.UnixMilli(), [][]byte{[]byte("incr"), []byte("visits")}, &w)
//	conn.Write(w.Buf)   // :1
//	replicate(change)   // a command that does the same elsewhere, nil if nothing changed
//
// Replicas repeat changes at the times at which they were made. A command whose
// outcome depends on chance is repeated as what came out of it, so SPOP becomes
// SREM. Keys that expire are not repeated at all: the time that comes with each
// change says it.
//
// A Store belongs to one goroutine. It keeps no byte of what it is given: words
// may be changed once Do has returned, and a change only until then.
//
// Replies, errors included, are those of the servers of the field, version 7.0;
// a test compares them with a real one, command by command.
package store
