package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pando-go/pando/seedjoin/discovery"
)

const (
	pageSize = 100     // slices in one answer
	maxPages = 64      // of one list
	maxBody  = 4 << 20 // bytes of one answer
)

// Source is a discovery.Source: the endpoints of one service.
type Source struct {
	Service   string // name of the service; this or Selector is required
	Selector  string // label selector of the EndpointSlices, in place of Service
	Port      string // name of the service's port; "" = the only one, or the one without a name
	Namespace string // "" = the pod's own
	API       string // URL of the API server; "" = from KUBERNETES_SERVICE_HOST and _PORT
	Account   string // folder with token, ca.crt and namespace; "" = the constant Account
}

var _ discovery.Source = (*Source)(nil)

// errExpired tells that the API server has forgotten the list that is being paged.
var errExpired = errors.New("kubernetes: the list has expired")

// Discover lists the endpoints.
func (s *Source) Discover(ctx context.Context) ([]string, error) {
	base, err := s.base()
	if err != nil {
		return nil, err
	}
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	list, err := s.pages(ctx, client, base)
	if errors.Is(err, errExpired) { // it changed much while it was read: once more from its head
		list, err = s.pages(ctx, client, base)
	}
	if err != nil {
		return nil, fmt.Errorf("discovery: kubernetes: %w", err)
	}
	return list, nil
}

// base is the request without its page.
func (s *Source) base() (*url.URL, error) {
	namespace := s.Namespace
	if namespace == "" {
		own, err := s.pod().Secret("namespace")
		if err != nil {
			return nil, fmt.Errorf("discovery: kubernetes: %w", err)
		}
		namespace = own
	}
	selector := s.Selector
	if selector == "" && s.Service != "" {
		selector = "kubernetes.io/service-name=" + s.Service
	}
	if selector == "" {
		return nil, fmt.Errorf("%w: kubernetes: Service or Selector is required", discovery.ErrConfig)
	}
	u, err := s.pod().Server()
	if err != nil {
		return nil, fmt.Errorf("%w: kubernetes: %w", discovery.ErrConfig, err)
	}
	u = u.JoinPath("apis/discovery.k8s.io/v1/namespaces", namespace, "endpointslices")
	u.RawQuery = url.Values{"labelSelector": {selector}, "limit": {strconv.Itoa(pageSize)}}.Encode()
	return u, nil
}

func (s *Source) pod() Pod { return Pod{API: s.API, Account: s.Account} }

// client trusts the authority of the service account.
func (s *Source) client() (*http.Client, error) {
	ca, err := s.pod().Secret("ca.crt")
	if err != nil {
		return nil, fmt.Errorf("discovery: kubernetes: %w", err)
	}
	client, err := Client(ca)
	if err != nil {
		return nil, fmt.Errorf("%w: kubernetes: %w", discovery.ErrConfig, err)
	}
	return client, nil
}

// pages reads the whole list.
func (s *Source) pages(ctx context.Context, client *http.Client, base *url.URL) ([]string, error) {
	var list []string
	next := ""
	for range maxPages {
		u := *base
		if next != "" {
			q := u.Query()
			q.Set("continue", next)
			u.RawQuery = q.Encode()
		}
		page, err := s.page(ctx, client, u.String())
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			list = page.Items[i].append(list, s.Port)
		}
		if next = page.Metadata.Continue; next == "" {
			return list, nil
		}
	}
	return nil, fmt.Errorf("%w: more than %d pages", discovery.ErrBadList, maxPages)
}

// page makes one request.
func (s *Source) page(ctx context.Context, client *http.Client, address string) (*sliceList, error) {
	token, err := s.pod().Secret("token")
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusGone:
		return nil, errExpired
	case answer.StatusCode != http.StatusOK:
		return nil, Refusal(answer.Status, body)
	case len(body) > maxBody:
		return nil, fmt.Errorf("%w: more than %d bytes", discovery.ErrBadList, maxBody)
	}
	page := new(sliceList)
	if err := json.Unmarshal(body, page); err != nil {
		return nil, fmt.Errorf("%w: %w", discovery.ErrBadList, err)
	}
	return page, nil
}
