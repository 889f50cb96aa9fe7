// Package store is what durable entities need of a disk: a small ordered map whose
// changes are made in batches, all of a batch or none.
//
//	err := s.Apply([]store.Op{
//		store.Put(key, value),
//		store.DeleteRange(from, to),
//	}, true) // durable when it returns
//	err = s.Range(from, to, func(key, value []byte) error { … })
//
// [Memory] keeps everything in memory. Package boltstore keeps it in a file, and is
// what a program should use; it is a package of its own so that others do not link
// it. Package storetest holds any implementation to what is promised here.
//
// # Concurrency
//
// Apply is called by one goroutine at a time, Range by any, at the same time too.
package store
