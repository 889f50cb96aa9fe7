package httpjson

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pando-go/pando/seedjoin/discovery"
)

func TestDiscover(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   []string
		err    string
	}{
		{"a list", 200, `["a:1", "b:1"]`, []string{"a:1", "b:1"}, ""},
		{"an object", 200, `{"addresses": ["a:1"], "more": 1}`, []string{"a:1"}, ""},
		{"an empty list", 200, `[]`, []string{}, ""},
		{"another object", 200, `{"contacts": []}`, nil, "addresses"},
		{"no JSON", 200, `<html>`, nil, "bad list"},
		{"numbers", 200, `[1, 2]`, nil, "bad list"},
		{"too long", 200, `["` + strings.Repeat("x", maxBody) + `"]`, nil, "more than"},
		{"not allowed", 403, `["a:1"]`, nil, "403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer x" {
					tt.status = http.StatusUnauthorized
				}
				w.WriteHeader(tt.status)
				w.Write([]byte(tt.body))
			}))
			defer server.Close()
			got, err := Source{URL: server.URL, Header: http.Header{"Authorization": {"Bearer x"}}, Client: server.Client()}.Discover(t.Context())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %q, %v, want an error with %q", got, err, tt.err)
				}
				return
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestUnusable(t *testing.T) {
	if _, err := (Source{URL: "::"}).Discover(t.Context()); !errors.Is(err, discovery.ErrConfig) {
		t.Errorf("got %v, want %v", err, discovery.ErrConfig)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	if _, err := (Source{URL: server.URL}).Discover(t.Context()); err == nil {
		t.Error("a server that is not there: got no error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`["a:1"]`))
	f.Add([]byte(`{"addresses":["a:1"]}`))
	f.Fuzz(func(t *testing.T, body []byte) { _, _ = parse(body) })
}
