package remote

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pando-go/pando/remote/memnet"
)

// proxy stands between a node and all that the node dials. Each connection meets a
// fate that was drawn from a seed: it comes up late, so that others overtake it, or
// not at all; it is slow and in crumbs; after some bytes it breaks in the middle of
// a frame, stalls for a while, or loses one direction while the other goes on.
type proxy struct {
	from string          // the node
	far  *memnet.Network // where the other nodes are
	near *memnet.Network // between the node and the proxy
	ln   net.Listener
	calm atomic.Bool // no more faults
	wg   sync.WaitGroup

	mu    sync.Mutex
	r     *rand.Rand
	links map[*proxied]struct{}
	ports int
}

// fault is what happens to one direction of a connection.
type fault int

const (
	healthy fault = iota
	breaks        // both directions end
	stalls        // nothing passes for a while
	halves        // this direction ends, and what still comes is swallowed
	faults
)

// fate of one direction.
type fate struct {
	fault fault
	after int           // bytes
	stall time.Duration // how long
	delay time.Duration // of each piece
	piece int           // bytes
}

// proxied is one connection through the proxy.
type proxied struct {
	a, b net.Conn
	eofs atomic.Int32 // directions that have ended
	once sync.Once
	done chan struct{}
}

func newProxy(from string, far *memnet.Network, seed uint64) (*proxy, error) {
	p := &proxy{
		from: from, far: far, near: memnet.New(), r: rand.New(rand.NewPCG(seed, 7)),
		links: make(map[*proxied]struct{}),
	}
	var err error
	p.ln, err = p.near.Listen("proxy:1")
	return p, err
}

// draw returns a number below n.
func (p *proxy) draw(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.r.IntN(n)
}

func (p *proxy) fate() fate {
	f := fate{piece: 4096}
	if p.calm.Load() {
		return f
	}
	if p.draw(3) > 0 {
		f.fault = 1 + fault(p.draw(int(faults)-1))
	}
	f.after = p.draw(1 << (4 + p.draw(10)))
	f.stall = time.Duration(p.draw(8000)) * time.Millisecond // some outlast AckTimeout
	switch p.draw(4) {
	case 0:
		f.delay = time.Duration(p.draw(30)) * time.Millisecond
	case 1:
		f.piece = 1 + p.draw(50)
	}
	return f
}

// dial is the node's Config.Dial.
func (p *proxy) dial(ctx context.Context, address string) (net.Conn, error) {
	if !p.calm.Load() {
		select {
		case <-time.After(time.Duration(p.draw(300)) * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if p.draw(10) == 0 {
			return nil, syscall.ECONNREFUSED
		}
	}
	b, err := p.far.Dial(ctx, p.from, address)
	if err != nil {
		return nil, err
	}
	conn, a, err := p.pair(ctx)
	if err != nil {
		b.Close()
		return nil, err
	}
	l := &proxied{a: a, b: b, done: make(chan struct{})}
	p.mu.Lock()
	p.links[l] = struct{}{}
	p.mu.Unlock()
	p.wg.Go(func() { p.pump(l, l.b, l.a, p.fate()) })
	p.wg.Go(func() { p.pump(l, l.a, l.b, p.fate()) })
	return conn, nil
}

// pair returns the two ends of a connection between the node and the proxy.
func (p *proxy) pair(ctx context.Context) (node, here net.Conn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock() // one at a time, so that both ends are of the same
	p.ports++
	if node, err = p.near.Dial(ctx, "node:"+strconv.Itoa(p.ports), "proxy:1"); err != nil {
		return nil, nil, err
	}
	here, err = p.ln.Accept()
	return node, here, err
}

// pump carries one direction.
func (p *proxy) pump(l *proxied, to, from net.Conn, f fate) {
	buf := make([]byte, f.piece)
	for total := 0; ; {
		n, err := from.Read(buf)
		if n > 0 && !p.pass(l, to, buf[:n], &total, &f) {
			return
		}
		if err == io.EOF {
			to.(interface{ CloseWrite() error }).CloseWrite()
			if l.eofs.Add(1) == 1 {
				return // the other direction goes on
			}
		}
		if err != nil {
			p.end(l)
			return
		}
	}
}

// pass writes one piece, and has the fault when its time has come. It is false when
// nothing is to follow.
func (p *proxy) pass(l *proxied, to net.Conn, b []byte, total *int, f *fate) bool {
	l.wait(f.delay)
	*total += len(b)
	if f.fault == healthy || *total < f.after || p.calm.Load() {
		_, err := to.Write(b)
		if err != nil {
			p.end(l)
		}
		return err == nil
	}
	was := f.fault
	f.fault = healthy
	to.Write(b[:len(b)/2])
	switch was {
	case breaks:
		p.end(l)
		return false
	case halves:
		to.(interface{ CloseWrite() error }).CloseWrite()
		l.wait(time.Duration(p.draw(20_000)) * time.Millisecond)
		p.end(l)
		return false
	}
	l.wait(f.stall)
	_, err := to.Write(b[len(b)/2:])
	return err == nil
}

// wait waits for d, or until the connection has ended.
func (l *proxied) wait(d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.done:
	}
}

// end closes both ends of a connection.
func (p *proxy) end(l *proxied) {
	l.once.Do(func() {
		close(l.done)
		l.a.Close()
		l.b.Close()
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// close ends everything and waits for it.
func (p *proxy) close() {
	p.mu.Lock()
	var all []*proxied
	for l := range p.links {
		all = append(all, l)
	}
	p.mu.Unlock()
	for _, l := range all {
		p.end(l)
	}
	p.ln.Close()
	p.wg.Wait()
}
