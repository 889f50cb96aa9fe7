// Package httpjson finds contact points by a GET request whose answer is JSON:
// a list of addresses, or an object with one.
//
//	src := httpjson.Source{URL: "https://config.example/pando/contacts"}
//
// The answer is ["10.0.0.1:7000", "10.0.0.2:7000"] or {"addresses": […]}.
//
// A Source may be used from several goroutines. Nothing is cached, and what the
// addresses are is not checked here: discovery.Watch does that.
package httpjson

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/pando-go/pando/seedjoin/discovery"
)

// maxBody bounds an answer.
const maxBody = 1 << 20

// Source is a discovery.Source.
type Source struct {
	URL    string       // required
	Header http.Header  // of the request, such as Authorization; nil = none
	Client *http.Client // nil = http.DefaultClient
}

var _ discovery.Source = Source{}

// Discover asks the server.
func (s Source) Discover(ctx context.Context) ([]string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", discovery.ErrConfig, err)
	}
	if s.Header != nil {
		r.Header = s.Header.Clone()
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("discovery: GET %s: %w", s.URL, err)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("discovery: GET %s: %s", s.URL, answer.Status)
	case len(body) > maxBody:
		return nil, fmt.Errorf("%w: GET %s: more than %d bytes", discovery.ErrBadList, s.URL, maxBody)
	}
	list, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: GET %s: %w", discovery.ErrBadList, s.URL, err)
	}
	return list, nil
}

// parse reads either form.
func parse(body []byte) ([]string, error) {
	var list []string
	if json.Unmarshal(body, &list) == nil {
		return list, nil
	}
	var object struct {
		Addresses *[]string `json:"addresses"`
	}
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, err
	}
	if object.Addresses == nil {
		return nil, fmt.Errorf(`neither a list nor an object with "addresses"`)
	}
	return *object.Addresses, nil
}
