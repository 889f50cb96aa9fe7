// Package boltstore keeps what durable entities need in one file of a directory,
// with bbolt: a B+tree whose pages are never overwritten before the next version of
// the tree is complete, so that a write that is torn by a crash is as if it had not
// begun.
//
//	data, err := boltstore.Open("/var/lib/bank")
//	if err != nil {
//		return err
//	}
//	node, err := clusterd.Start(ctx, clusterd.Config{
//		…
//		Services: []clusterd.Service{durable.Host(durable.Config{Store: data}, Account)},
//	})
//
// The directory belongs to one process at a time, which the operating system sees
// to. Copy it only while no process has it open.
//
// # Concurrency
//
// As store.Store says.
package boltstore
