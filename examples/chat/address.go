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
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 && flagName != "http" {
		return usagef("-%s %q: %q is not a port from 1 to 65535", flagName, address, port)
	}
	return nil
}

// addPort returns the address n ports further on.
func addPort(address string, n int) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	p, err := strconv.Atoi(port)
	if err != nil || p+n > 65535 {
		return "", errors.New("ports end at 65535")
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

// reachable is the address under which others reach a listener: what it
// listens on, or, if that is every address of the machine, advertised's host.
func reachable(listener net.Addr, advertised string) string {
	host, port, err := net.SplitHostPort(listener.String())
	if err != nil {
		return listener.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if h, _, err := net.SplitHostPort(advertised); err == nil {
			host = h
		}
	}
	return net.JoinHostPort(host, port)
}
