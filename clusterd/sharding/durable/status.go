package durable

import "github.com/pando-go/pando/clusterd"

// Status is what a node tells of its part in the store.
type Status struct {
	// Node is this store's id among the others, 0 on a proxy.
	Node uint64
	// Store is the id of the data as a whole: drawn when it was founded, and the
	// same on all its nodes for ever. 0: this node knows of none yet.
	Store uint64
	// Founded tells that the shards are at work.
	Founded bool
	// Waiting says what a store that is not founded waits for.
	Waiting string
	// Fault is ErrForeignStore, or nil.
	Fault error
	// StoreFault is why the disk could not be written last time, nil if it could.
	StoreFault error
	// Failed are shards whose replica here was stopped, since its data contradicts
	// its group's.
	Failed []int
}

// StatusOf returns a node's status. Any goroutine.
func StatusOf(n *clusterd.Node) (Status, error) {
	s, err := serviceOf(n)
	if err != nil {
		return Status{}, err
	}
	s.shell.mu.Lock()
	defer s.shell.mu.Unlock()
	return s.shell.status, nil
}

func (sh *shell) setStatus(change func(*Status)) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	change(&sh.status)
	sh.status.Node = sh.self
}
