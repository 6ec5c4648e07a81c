package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/runtime"
)

// closeSession closes the session of a command and warns of a cache that could not be read or written.
func closeSession(cmd *cobra.Command, s *runtime.Session) {
	if err := s.Close(); err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", err)
	}
	if err := s.Cache().Err; err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning: weights were packed anew:", err)
	}
}
