package remote

import (
	"net"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// outbound is a connection that this node opened, after its handshake. It is
// written by its lane's goroutine, or now and then by a sender in its place,
// and read by a goroutine that the lane started.
type outbound struct {
	net.Conn
	l       *lane
	frames  *wire.Reader
	welcome *remotepb.Welcome
	packer  *packer    // nil: nothing is compressed
	try     *tryWriter // nil: Conn is no socket,
	spill   *spill     // or TLS over this one, if it is not nil
}

func newOutbound(conn net.Conn, l *lane, frames *wire.Reader, w *remotepb.Welcome) *outbound {
	r := l.p.r
	return &outbound{
		Conn: conn, l: l, frames: frames, welcome: w,
		packer: newPacker(r.cfg, w.Compression), try: newTryWriter(conn), spill: spillOf(conn),
	}
}

// send writes bufs in one go.
func (c *outbound) send(bufs net.Buffers) error {
	c.wrote(bufs...)
	if c.spill != nil {
		c.spill.wait(true)
		defer c.spill.wait(false)
	}
	if len(bufs) == 1 {
		_, err := c.Write(bufs[0])
		return err
	}
	_, err := bufs.WriteTo(c.Conn)
	return err
}

// canTry reports whether there is a way to write without waiting.
func (c *outbound) canTry() bool { return c.try != nil || c.spill != nil }

// tryWrite writes without waiting and returns how many bytes are gone. An error is
// left to the lane, which will meet it again.
func (c *outbound) tryWrite(b []byte) int {
	c.wrote(b)
	if c.try != nil {
		return c.try.write(b)
	}
	if _, err := c.Write(b); err != nil {
		return 0
	}
	return len(b)
}

// flush writes what tryWrite has put aside, if anything: false.
func (c *outbound) flush() (nothing bool, err error) {
	if c.spill == nil || !c.spill.left() {
		return true, nil
	}
	return false, c.spill.flush()
}

// wrote counts what is written.
func (c *outbound) wrote(bufs ...[]byte) {
	n := 0
	for _, b := range bufs {
		n += len(b)
	}
	r := c.l.p.r
	r.count.sentBytes.Add(uint64(n))
	c.l.stats.wireBytes.Add(uint64(n))
	if r.cfg.Dump != nil {
		r.dumpWritten(c.l, bufs)
	}
}
