package groups

import "fmt"

// brokenLog is what the Raft library panics with when a replica's data
// contradicts its group; Machine turns it into a Failure of that one replica.
type brokenLog string

// quiet is the logger of every group: what the library has to say is visible
// as roles, rows and failures. Only its panics are kept.
type quiet struct{}

func (quiet) Debug(...any)            {}
func (quiet) Debugf(string, ...any)   {}
func (quiet) Error(...any)            {}
func (quiet) Errorf(string, ...any)   {}
func (quiet) Info(...any)             {}
func (quiet) Infof(string, ...any)    {}
func (quiet) Warning(...any)          {}
func (quiet) Warningf(string, ...any) {}

func (quiet) Fatal(v ...any)            { panic(brokenLog(fmt.Sprint(v...))) }
func (quiet) Fatalf(f string, v ...any) { panic(brokenLog(fmt.Sprintf(f, v...))) }
func (quiet) Panic(v ...any)            { panic(brokenLog(fmt.Sprint(v...))) }
func (quiet) Panicf(f string, v ...any) { panic(brokenLog(fmt.Sprintf(f, v...))) }
