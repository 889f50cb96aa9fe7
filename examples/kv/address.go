package main

import (
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/pando-go/pando/examples/internal/launcher"
)

// checkAddress refuses what is not HOST:PORT; flagName is the flag to name.
func checkAddress(flagName, address string) error {
	if address == "" {
		return usagef("-%s is missing: give it an address such as 127.0.0.1:7001", flagName)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return usagef("-%s %q is not HOST:PORT", flagName, address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return usagef("-%s %q: %q is not a port from 1 to 65535", flagName, address, port)
	}
	return nil
}

// addPort returns the address n ports further on.
func addPort(flagName, address string, n int) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", usagef("-%s %q is not HOST:PORT", flagName, address)
	}
	p, err := strconv.Atoi(port)
	if err != nil || p+n > 65535 {
		return "", usagef("-%s %s: ports end at 65535", flagName, address)
	}
	return net.JoinHostPort(host, strconv.Itoa(p+n)), nil
}

// splitList splits at commas and drops empty parts.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// taken explains an address that cannot be listened on.
func taken(flagName, address string, err error) error {
	switch {
	case errors.Is(err, launcher.ErrAddressInUse):
		return usagef("%s is taken by another process: choose another address with -%s", address, flagName)
	case errors.Is(err, launcher.ErrNoSuchAddress):
		return usagef("%s is no address of this machine: choose another one with -%s", address, flagName)
	case errors.Is(err, launcher.ErrForbidden):
		return usagef("%s may not be used by this user: choose another port with -%s", address, flagName)
	}
	return usagef("cannot listen on %s (-%s): %s", address, flagName, err)
}

// reachable is the host at which clients reach a listener: what it listens on,
// or, if that is every address of the machine, advertised's host.
func reachable(listener net.Addr, advertised string) (host string, port int) {
	tcp, ok := listener.(*net.TCPAddr)
	if !ok {
		return "", 0
	}
	host = tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		if h, _, err := net.SplitHostPort(advertised); err == nil {
			host = h
		}
	}
	return host, tcp.Port
}
