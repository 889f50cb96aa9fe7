//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package lease

import (
	"errors"
	"os"
)

func tryLock(*os.File) (held bool, err error) { return false, errors.ErrUnsupported }
