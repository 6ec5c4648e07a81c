// Command onnxrun loads ONNX models and runs, checks, measures and tests them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs the command line and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(withCommand(root, args))
	err := root.ExecuteContext(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("not done within --timeout: %w", err)
	}
	if err != nil {
		fmt.Fprintln(stderr, "onnxrun:", err)
	}
	return exitCode(ctx, err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "onnxrun [command] model.onnx",
		Short: "Load ONNX models and run them; without arguments, run the embedded one",
		Long: `onnxrun loads ONNX models and runs them.

Without a command it runs the model; without arguments it runs the embedded model on its embedded picture.
Results go to stdout, everything else to stderr. Exit codes: 0 ok, 1 the run failed, 2 usage, 3 model invalid,
4 unsupported, 5 mismatch, 6 limit or timeout, 130 interrupt.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.SetFlagErrorFunc(badFlag)
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(
		runCommand(), infoCommand(), checkCommand(), inferCommand(), testCommand(), benchCommand(),
		profileCommand(), explainCommand(), gradCommand(), finetuneCommand(), trainCommand(), dumpCommand(), convertCommand(), optimizeCommand(), doctorCommand(), privacyCommand(), versionCommand(),
		adapterCommand(),
	)
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = helpTopic
		}
	}
	return root
}

// helpTopic is the check for the name of a command, or several for one within another.
func helpTopic(cmd *cobra.Command, args []string) error {
	if found, rest, err := cmd.Root().Find(args); err != nil || len(rest) > 0 {
		return usage("%s has no command %q: %s --help lists its commands", found.CommandPath(), args[len(args)-len(rest)], found.CommandPath())
	}
	return nil
}

// withCommand puts "run" before arguments that do not start with a command.
func withCommand(root *cobra.Command, args []string) []string {
	if len(args) > 0 {
		known := []string{"-h", "--help", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}
		for _, c := range root.Commands() {
			known = append(known, c.Name())
		}
		if slices.Contains(known, args[0]) {
			return args
		}
	}
	return append([]string{"run"}, args...)
}

// modelOrCommand is the check for at most one model. A first argument that is no file may have been meant as a command.
func modelOrCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && filepath.Base(args[0]) == args[0] && filepath.Ext(args[0]) == "" {
		if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
			hint := "onnxrun --help lists the commands"
			if near := cmd.Root().SuggestionsFor(args[0]); len(near) > 0 {
				hint = "did you mean " + strings.Join(near, " or ") + "?"
			}
			return usage("%q is neither a command nor a model's file: %s", args[0], hint)
		}
	}
	return arguments(0, 1, "one model")(cmd, args)
}

// badFlag says what a flag wants, where parsing its value failed in the words of Go's parsers.
func badFlag(cmd *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return usage("%v (%s --help lists the flags)", err, cmd.CommandPath())
	}
	wants := map[string]string{"int": "a whole number", "uint": "a whole number of at least 0", "uint64": "a whole number of at least 0", "float64": "a number",
		"duration": "a time with its unit, such as 30s", "bool": "true or false"}
	want := wants[bad.GetFlag().Value.Type()]
	if want == "" {
		return usage("%v", err)
	}
	return usage("--%s %s, want %s", bad.GetFlag().Name, bad.GetValue(), want)
}

// arguments is the check for between low and high arguments; what names them in the message.
func arguments(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < low || high >= 0 && len(args) > high {
			return usage("%s takes %s, not %d arguments", cmd.Name(), what, len(args))
		}
		return nil
	}
}
