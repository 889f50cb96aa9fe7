package durable

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/store"
)

// disk writes on a goroutine of its own: whatever has come while it waited for the
// last write goes into the next one, so that many shards and many commands share
// one wait for the disk (group commit).
//
// A batch that fails is tried again until it succeeds or the node stops. Meanwhile
// nothing that depends on it is acknowledged, and nothing after it is written.
type disk struct {
	store store.Store
	fault func(error) // told of the first error of a row, and nil when it is over
	base  time.Time
	began atomic.Int64 // when the write that is under way began, after base; 0 = none is
	sick  atomic.Bool  // that one has failed

	mu    sync.Mutex
	queue []job
	wake  chan struct{}
	quit  chan struct{}
	ended chan struct{}
}

// job is a part of a batch. done, if not nil, is called when it is durable.
type job struct {
	ops  []store.Op
	sync bool
	done func()
}

// batchOps bounds one batch: about how many operations, at most one job more.
const batchOps = 1 << 14

func newDisk(s store.Store, fault func(error)) *disk {
	d := &disk{store: s, fault: fault, base: time.Now(), wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
	go d.loop()
	return d
}

// put queues a job. What bounds the queue is the groups: each keeps back what it
// would write beyond its limits until earlier writes are reported.
func (d *disk) put(j job) {
	d.mu.Lock()
	d.queue = append(d.queue, j)
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *disk) loop() {
	defer close(d.ended)
	for {
		select {
		case <-d.quit:
			return
		case <-d.wake:
		}
		for jobs := d.take(); len(jobs) > 0; jobs = d.take() {
			if !d.write(jobs) {
				return
			}
		}
	}
}

func (d *disk) take() []job {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ops := 0, 0
	for n < len(d.queue) && ops < batchOps {
		ops += len(d.queue[n].ops)
		n++
	}
	jobs := d.queue[:n:n]
	if d.queue = d.queue[n:]; len(d.queue) == 0 {
		d.queue = nil
	}
	return jobs
}

// Between two tries of a batch that failed.
const (
	retryFirst = 50 * time.Millisecond
	retryMost  = 2 * time.Second
)

// write makes jobs durable; false if the node stopped before.
func (d *disk) write(jobs []job) bool {
	var ops []store.Op
	sync := false
	for _, j := range jobs {
		ops = append(ops, j.ops...)
		sync = sync || j.sync
	}
	d.began.Store(int64(time.Since(d.base)) + 1)
	defer d.began.Store(0)
	for pause := retryFirst; ; pause = min(2*pause, retryMost) {
		err := d.store.Apply(ops, sync)
		if err == nil {
			if d.sick.Swap(false) {
				d.fault(nil)
			}
			break
		}
		d.sick.Store(true)
		if pause == retryFirst {
			d.fault(err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-d.quit:
			timer.Stop()
			return false
		}
	}
	for _, j := range jobs {
		if j.done != nil {
			j.done()
		}
	}
	return true
}

// hangFor is how long a write may take that does not fail. A busy disk can be slow,
// and where one is, the others mostly are too.
const hangFor = 10 * time.Second

// stuck reports whether the write that is under way has failed for a time, or hangs.
func (d *disk) stuck(failing time.Duration) bool {
	began := d.began.Load()
	if began == 0 {
		return false
	}
	since := time.Since(d.base) - time.Duration(began)
	return since >= hangFor || since >= failing && d.sick.Load()
}

// stop ends the goroutine and closes the store. What is still queued is as if it
// had never been written.
func (d *disk) stop() error {
	close(d.quit)
	<-d.ended
	return d.store.Close()
}

// writeNow writes at once, before the goroutine has anything to do.
func writeNow(s store.Store, ops ...store.Op) error {
	if err := s.Apply(ops, true); err != nil {
		return errors.Join(errors.New("durable: the store cannot be written"), err)
	}
	return nil
}
