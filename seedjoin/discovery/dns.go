package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// DNS is a Source that looks up the A and AAAA records of a name, such as that
// of a headless Kubernetes service. All contact points have the same port.
type DNS struct {
	Name   string // required
	Port   int    // required
	Server string // host:port of a DNS server; "" = those of the system
}

// Discover looks the name up.
func (d DNS) Discover(ctx context.Context) ([]string, error) {
	if d.Name == "" || d.Port < 1 || d.Port > 65535 {
		return nil, fmt.Errorf("%w: DNS needs a Name and a Port", ErrConfig)
	}
	ips, err := resolver(d.Server).LookupNetIP(ctx, "ip", d.Name)
	if err != nil {
		return nothing(err)
	}
	var list []string
	for _, ip := range ips {
		list = append(list, net.JoinHostPort(ip.Unmap().String(), strconv.Itoa(d.Port)))
	}
	return list, nil
}

// SRV is a Source that looks up the SRV records of a name, which have host
// names and ports. The hosts are not looked up: nodes that advertise their names
// and nodes that advertise their IP addresses are found alike.
type SRV struct {
	Name   string // whole, such as _pando._tcp.pando.default.svc.cluster.local; required
	Server string // host:port of a DNS server; "" = those of the system
}

// Discover looks the name up.
func (s SRV) Discover(ctx context.Context) ([]string, error) {
	if s.Name == "" {
		return nil, fmt.Errorf("%w: SRV needs a Name", ErrConfig)
	}
	_, records, err := resolver(s.Server).LookupSRV(ctx, "", "", s.Name)
	if err != nil {
		return nothing(err)
	}
	var list []string
	for _, r := range records {
		list = append(list, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
	}
	return list, nil
}

// resolver asks one server, or those of the system.
func resolver(server string) *net.Resolver {
	if server == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
}

// nothing takes a name that does not exist for an empty list: a service whose
// pods have not started has no records.
func nothing(err error) ([]string, error) {
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return nil, nil
	}
	return nil, fmt.Errorf("discovery: %w", err)
}
