package memnet

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Network connects addresses. Create it with [New].
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	alias     map[string]string
	links     map[pair]*link
	conns     map[*conn]struct{}
	port      int
	changed   chan struct{} // closed and replaced when a link changes
}

type pair struct{ from, to string }

// New returns a network without listeners.
func New() *Network {
	return &Network{
		listeners: make(map[string]*listener),
		alias:     make(map[string]string),
		links:     make(map[pair]*link),
		conns:     make(map[*conn]struct{}),
		port:      40000,
		changed:   make(chan struct{}),
	}
}

// Listen returns a listener at address, host:port; port 0 takes a free one.
func (n *Network) Listen(address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if host, ok := strings.CutSuffix(address, ":0"); ok {
		n.port++
		address = host + ":" + strconv.Itoa(n.port)
	}
	if n.listeners[address] != nil {
		return nil, opError("listen", address, syscall.EADDRINUSE)
	}
	l := &listener{n: n, address: address, queue: make(chan net.Conn, 64), done: make(chan struct{})}
	n.listeners[address] = l
	return l, nil
}

// Alias makes other one more spelling of address.
func (n *Network) Alias(other, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alias[other] = address
}

// Dialer returns the dial function of the node at from.
func (n *Network) Dialer(from string) func(ctx context.Context, address string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) { return n.Dial(ctx, from, address) }
}

// Dial connects from to a listener. It hangs until ctx ends while the link is
// cut in either direction.
func (n *Network) Dial(ctx context.Context, from, address string) (net.Conn, error) {
	for {
		l, c, wait, err := n.connect(from, address)
		if err != nil {
			return nil, err
		}
		if l != nil {
			return n.enqueue(ctx, l, c)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, opError("dial", address, ctx.Err())
		}
	}
}

// connect makes the two ends of a connection, or returns a channel to wait on.
func (n *Network) connect(from, address string) (*listener, *conn, chan struct{}, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	to := address
	if a, ok := n.alias[to]; ok {
		to = a
	}
	out, back := n.link(from, to), n.link(to, from)
	if out.isCut() || back.isCut() {
		return nil, nil, n.changed, nil
	}
	l := n.listeners[to]
	if l == nil {
		return nil, nil, nil, opError("dial", address, os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	return l, newConn(n, from, to, newHalf(back), newHalf(out)), nil, nil
}

func (n *Network) enqueue(ctx context.Context, l *listener, c *conn) (net.Conn, error) {
	other := newConn(n, c.to, c.from, c.out, c.in)
	n.mu.Lock()
	n.conns[c], n.conns[other] = struct{}{}, struct{}{}
	n.mu.Unlock()
	var err error
	select {
	case l.queue <- other:
		return c, nil
	case <-l.done:
		err = os.NewSyscallError("connect", syscall.ECONNREFUSED)
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.Close()
	other.Close()
	return nil, opError("dial", l.address, err)
}

// link returns the one-way link between two addresses. n.mu is held.
func (n *Network) link(from, to string) *link {
	p := pair{from, to}
	if n.links[p] == nil {
		n.links[p] = &link{halves: make(map[*half]struct{})}
	}
	return n.links[p]
}

// Cut stops all bytes between a and b.
func (n *Network) Cut(a, b string) {
	n.CutOneWay(a, b)
	n.CutOneWay(b, a)
}

// CutOneWay stops all bytes from one node to another.
func (n *Network) CutOneWay(from, to string) { n.set(from, to, func(l *link) { l.cut = true }) }

// Heal lets the bytes between a and b go on, in both directions.
func (n *Network) Heal(a, b string) {
	n.HealOneWay(a, b)
	n.HealOneWay(b, a)
}

// HealOneWay lets the bytes from one node to another go on.
func (n *Network) HealOneWay(from, to string) { n.set(from, to, func(l *link) { l.cut = false }) }

// Slow delays all bytes from one node to another by d.
func (n *Network) Slow(from, to string, d time.Duration) {
	n.set(from, to, func(l *link) { l.delay = d })
}

func (n *Network) set(from, to string, change func(*link)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.link(from, to)
	l.mu.Lock()
	change(l)
	halves := make([]*half, 0, len(l.halves))
	for h := range l.halves {
		halves = append(halves, h)
	}
	l.mu.Unlock()
	for _, h := range halves {
		h.wake()
	}
	close(n.changed)
	n.changed = make(chan struct{})
}

// Reset breaks all connections between a and b: both ends see
// syscall.ECONNRESET.
func (n *Network) Reset(a, b string) {
	n.reset(func(c *conn) bool { return c.from == a && c.to == b || c.from == b && c.to == a })
}

// Kill closes the listener at address and resets all connections of that node.
func (n *Network) Kill(address string) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	if l != nil {
		l.Close()
	}
	n.reset(func(c *conn) bool { return c.from == address || c.to == address })
}

func (n *Network) reset(which func(*conn) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		if which(c) {
			c.in.reset()
			c.out.reset()
		}
	}
}

// Conns returns how many connections are open, each counted at either end.
func (n *Network) Conns() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

type listener struct {
	n       *Network
	address string
	queue   chan net.Conn
	once    sync.Once
	done    chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, opError("accept", l.address, net.ErrClosed)
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, opError("accept", l.address, net.ErrClosed)
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		l.n.mu.Lock()
		delete(l.n.listeners, l.address)
		l.n.mu.Unlock()
		close(l.done)
		for {
			select {
			case c := <-l.queue:
				c.Close()
				continue
			default:
			}
			return
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return addr(l.address) }

type addr string

func (addr) Network() string  { return "mem" }
func (a addr) String() string { return string(a) }

func opError(op, address string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Addr: addr(address), Err: err}
}
