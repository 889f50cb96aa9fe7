package remote

import (
	"net"
	"net/netip"
)

// origin is what one machine has open here.
type origin struct{ conns, greetings int }

// sourceOf names the machine that a connection comes from: its IP address, or the
// /64 of an IPv6 one, since whoever has one such address has them all.
func sourceOf(conn net.Conn) string {
	a := conn.RemoteAddr()
	if a == nil {
		return ""
	}
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Unmap().Is4() {
		return host
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return prefix.String()
}

// admit counts a connection in, if the limits allow it. What it refuses has cost
// nothing but the accept: no buffer, no goroutine.
func (r *Remote) admit(conn net.Conn) bool {
	from := sourceOf(conn)
	limit, ok := r.countIn(conn, from)
	if ok {
		return true
	}
	r.count.refused.Add(1)
	r.warn(CodeBusy, "connection refused: limit reached", "remote", conn.RemoteAddr(), "limit", limit)
	return false
}

func (r *Remote) countIn(conn net.Conn, from string) (limit string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sources[from]
	if s == nil {
		s = new(origin)
	}
	switch {
	case r.closing:
		return "closing", false
	case len(r.conns) >= r.cfg.MaxConns:
		return "MaxConns", false
	case s.conns >= r.cfg.MaxConnsPerHost:
		return "MaxConnsPerHost", false
	case r.greetings >= r.cfg.MaxHandshakes:
		return "MaxHandshakes", false
	case s.greetings >= r.cfg.MaxHandshakesPerHost:
		return "MaxHandshakesPerHost", false
	}
	s.conns++
	s.greetings++
	r.sources[from] = s
	r.conns[conn] = struct{}{}
	r.greetings++
	r.count.inbound.Add(1)
	return "", true
}

// greeted tells that a connection has shaken hands, or failed to.
func (r *Remote) greeted(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.greetings--
	r.sources[sourceOf(conn)].greetings--
}

// forget counts a connection out.
func (r *Remote) forget(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := sourceOf(conn)
	if s := r.sources[from]; s.conns > 1 {
		s.conns--
	} else {
		delete(r.sources, from)
	}
	delete(r.conns, conn)
	r.count.inbound.Add(-1)
}
