package discovery

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Types of records.
const (
	typeA    = 1
	typeAAAA = 28
	typeSRV  = 33
)

// zone is a DNS server on loopback, as far as a resolver needs one: it answers
// questions for the names that it has, and NXDOMAIN for others.
type zone struct {
	conn net.PacketConn

	mu      sync.Mutex
	records map[string][]record // by lower-case name with the last dot
	broken  bool                // it answers SERVFAIL
}

type record struct {
	kind uint16
	data []byte
}

func newZone(t *testing.T) *zone {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{conn: conn, records: map[string][]record{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		z.serve()
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return z
}

func (z *zone) address() string { return z.conn.LocalAddr().String() }

func (z *zone) set(name string, records ...record) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records[name] = records
}

func (z *zone) fail() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.broken = true
}

func host(ip string) record {
	a := netip.MustParseAddr(ip)
	if a.Is4() {
		return record{typeA, a.AsSlice()}
	}
	return record{typeAAAA, a.AsSlice()}
}

func service(port uint16, target string) record {
	b := binary.BigEndian.AppendUint16([]byte{0, 1, 0, 1}, port) // priority, weight
	return record{typeSRV, append(b, encodeName(target)...)}
}

func encodeName(name string) []byte {
	var b []byte
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

func (z *zone) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := z.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := z.answer(buf[:n]); answer != nil {
			z.conn.WriteTo(answer, from)
		}
	}
}

// answer makes the answer to a query (RFC 1035, section 4).
func (z *zone) answer(query []byte) []byte {
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(query) < 12 {
		return nil
	}
	end := 12
	var labels []string
	for query[end] != 0 {
		n := int(query[end])
		labels = append(labels, string(query[end+1:end+1+n]))
		end += 1 + n
	}
	end += 5
	kind := binary.BigEndian.Uint16(query[end-4:])
	records, known := z.records[strings.ToLower(strings.Join(labels, "."))+"."]
	var body []byte
	count := uint16(0)
	for _, r := range records {
		if r.kind != kind {
			continue
		}
		count++
		body = append(body, 0xc0, 12) // the name of the question
		body = binary.BigEndian.AppendUint16(body, r.kind)
		body = append(body, 0, 1, 0, 0, 0, 1) // class IN, a second to live
		body = binary.BigEndian.AppendUint16(body, uint16(len(r.data)))
		body = append(body, r.data...)
	}
	b := append([]byte{query[0], query[1], 0x84, 0x00}, 0, 1) // answer, authoritative
	switch {
	case z.broken:
		b[3] = 2
		count, body = 0, nil
	case !known:
		b[3] = 3 // NXDOMAIN
	}
	b = binary.BigEndian.AppendUint16(b, count)
	b = append(b, 0, 0, 0, 0)
	return append(append(b, query[12:end]...), body...)
}

func TestDNS(t *testing.T) {
	z := newZone(t)
	z.set("pando.test.", host("10.0.0.2"), host("10.0.0.1"), host("fd00::1"))
	z.set("empty.test.")
	for _, tt := range []struct {
		name   string
		source Source
		want   []string
	}{
		{"A and AAAA", DNS{Name: "pando.test.", Port: 7000, Server: z.address()}, []string{"10.0.0.1:7000", "10.0.0.2:7000", "[fd00::1]:7000"}},
		{"no such name", DNS{Name: "other.test.", Port: 7000, Server: z.address()}, nil},
		{"no records", DNS{Name: "empty.test.", Port: 7000, Server: z.address()}, nil},
		{"no such service", SRV{Name: "_x._tcp.test.", Server: z.address()}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.source.Discover(t.Context())
			slices.Sort(got)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestSRV(t *testing.T) {
	z := newZone(t)
	z.set("_pando._tcp.test.", service(7001, "pod-0.test."), service(7002, "pod-1.test."))
	got, err := SRV{Name: "_pando._tcp.test.", Server: z.address()}.Discover(t.Context())
	slices.Sort(got)
	if want := []string{"pod-0.test:7001", "pod-1.test:7002"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// A server that fails does not make an empty list.
func TestDNSFails(t *testing.T) {
	z := newZone(t)
	z.fail()
	ctx := t.Context()
	for _, s := range []Source{DNS{Name: "pando.test.", Port: 1, Server: z.address()}, SRV{Name: "_p._tcp.test.", Server: z.address()}} {
		if got, err := s.Discover(ctx); err == nil || got != nil {
			t.Errorf("%T: got %q, %v, want an error", s, got, err)
		}
	}
	for _, s := range []Source{DNS{Port: 1}, DNS{Name: "x"}, DNS{Name: "x", Port: 1 << 16}, SRV{}} {
		if _, err := s.Discover(t.Context()); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: got %v, want %v", s, err, ErrConfig)
		}
	}
}
