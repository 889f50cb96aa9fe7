package kubernetes

import (
	"net"
	"strconv"
)

// sliceList is what is read of an EndpointSliceList of discovery.k8s.io/v1.
type sliceList struct {
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Items []slice `json:"items"`
}

type slice struct {
	Endpoints []endpoint `json:"endpoints"`
	Ports     []port     `json:"ports"`
}

type endpoint struct {
	Addresses  []string `json:"addresses"`
	Conditions struct {
		Ready       *bool `json:"ready"`       // absent = unknown, which counts as true
		Serving     *bool `json:"serving"`     // absent = as Ready
		Terminating *bool `json:"terminating"` // absent = false
	} `json:"conditions"`
}

type port struct {
	Name *string `json:"name"`
	Port *int    `json:"port"`
}

// append adds the addresses of a slice.
func (s *slice) append(list []string, name string) []string {
	p, ok := s.port(name)
	if !ok {
		return list
	}
	for _, e := range s.Endpoints {
		// All addresses of an endpoint are one pod's, and only the first is to be used.
		if e.usable() && len(e.Addresses) > 0 {
			list = append(list, net.JoinHostPort(e.Addresses[0], strconv.Itoa(p)))
		}
	}
	return list
}

// port finds the port of a name. Without one the only port will do.
func (s *slice) port(name string) (int, bool) {
	for _, p := range s.Ports {
		own := ""
		if p.Name != nil {
			own = *p.Name
		}
		if p.Port != nil && (own == name || name == "" && len(s.Ports) == 1) {
			return *p.Port, true
		}
	}
	return 0, false
}

// usable reports whether a process answers there, as far as is known. A
// service that publishes pods that are not ready has them all as ready.
func (e *endpoint) usable() bool {
	c := e.Conditions
	if c.Terminating != nil && *c.Terminating {
		return false
	}
	return c.Ready == nil || *c.Ready || c.Serving != nil && *c.Serving
}
