package main

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// foreign reports whether a browser sent r for a page that is not ours: neither
// from the host that r asks nor from another member's page. Requests of other
// programs have no Origin and are not foreign.
func (s *server) foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return true
	}
	host := sameHost(u.Host)
	if host == sameHost(r.Host) {
		return false
	}
	for _, m := range s.cluster.View().Members {
		if sameHost(memberOf(m).Meta[metaHTTP]) == host {
			return false
		}
	}
	return true
}

// sameHost makes the spellings of this machine equal: a page may be opened as
// localhost on one node and must still reach the others, which call themselves
// 127.0.0.1.
func sameHost(hostport string) string {
	host, port, err := net.SplitHostPort(strings.ToLower(hostport))
	if err != nil {
		return strings.ToLower(hostport)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// guard refuses foreign pages, and lets members' pages read the answer.
func (s *server) guard(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if s.foreign(r) {
			http.Error(w, "this page belongs to no member of the cluster", http.StatusForbidden)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
		h(w, r)
	}
}
