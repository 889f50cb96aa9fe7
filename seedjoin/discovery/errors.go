package discovery

import "errors"

// Errors of sources. They are logged by [Watch] and retried.
var (
	// ErrBadList: the source answered with something that is no list of
	// addresses, or with more than is taken.
	ErrBadList = errors.New("discovery: bad list")
	// ErrConfig: the source, or the Config of Watch, is not usable as it is.
	ErrConfig = errors.New("discovery: bad configuration")
)
