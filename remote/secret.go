package remote

import (
	"errors"
	"fmt"
	"strings"
)

// minSecret is the shortest join secret, in bytes. Who listens to a handshake can
// try secrets at leisure, so one must be drawn at random, never thought up.
const minSecret = 16

// maxSecrets bounds the work of checking one proof.
const maxSecrets = 8

// checkSecrets reports all faults of a list of join secrets. It does not print them.
func checkSecrets(secrets []string) error {
	var faults []error
	if len(secrets) > maxSecrets {
		faults = append(faults, fmt.Errorf("%d join secrets, at most %d are allowed", len(secrets), maxSecrets))
	}
	for i, s := range secrets {
		if len(s) < minSecret {
			faults = append(faults, fmt.Errorf("join secret %d has %d bytes, want at least %d drawn at random (openssl rand -hex 32)", i+1, len(s), minSecret))
		}
	}
	return errors.Join(faults...)
}

// parseSecrets reads a file with one secret a line. Empty lines and those that
// begin with '#' do not count.
func parseSecrets(content []byte) ([]string, error) {
	var secrets []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			secrets = append(secrets, line)
		}
	}
	if len(secrets) == 0 {
		return nil, errors.New("no join secret in it")
	}
	return secrets, checkSecrets(secrets)
}

// secretSource returns what gives each handshake the join secrets, the first of
// which is this node's own; nil if there are none.
func (c *Config) secretSource() (func() []string, error) {
	switch {
	case c.SecretFile != "" && len(c.Secrets) > 0:
		return nil, errors.New("both Secrets and SecretFile are set: want one")
	case c.SecretFile != "":
		file, err := newReloader("join secrets", []string{c.SecretFile}, c.Logger, func(content [][]byte) ([]string, error) {
			s, err := parseSecrets(content[0])
			if err != nil {
				err = fmt.Errorf("%s: %w", c.SecretFile, err)
			}
			return s, err
		})
		if err != nil {
			return nil, fmt.Errorf("SecretFile: %w", err)
		}
		return file.get, nil
	case len(c.Secrets) == 0:
		return func() []string { return nil }, nil
	}
	secrets := append([]string(nil), c.Secrets...)
	return func() []string { return secrets }, checkSecrets(secrets)
}
