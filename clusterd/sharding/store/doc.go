// Package store is what durable entities need of a disk.
package store
