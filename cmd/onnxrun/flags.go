package main

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// common are the flags that run, check, test, bench and their kin share.
type common struct {
	threads      int
	opt          string
	optSkip      []string
	precision    string
	memory       string
	fill         string
	externalRoot string
	cache        string
	cacheLimit   string
	prepack      bool
	timeout      time.Duration
	json         bool
}

func (c *common) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&c.threads, "threads", 0, "number of threads, 0 for all CPUs")
	f.StringVar(&c.opt, "opt", "on", "graph optimisations: on or off")
	f.StringArrayVar(&c.optSkip, "opt-skip", nil, "pass of the optimiser to leave out (repeatable)")
	f.StringVar(&c.precision, "precision", "", "float32 or exact")
	f.StringVar(&c.memory, "mem", "", "memory limit, such as 512MB or 2GB")
	f.StringVar(&c.cache, "cache", "", "folder that keeps packed weights for the next start")
	f.StringVar(&c.cacheLimit, "cache-limit", "", "most that this folder may take, such as 2GB (default 10GiB)")
	f.BoolVar(&c.prepack, "prepack", false, "pack weights when opening instead of in the second run")
	f.DurationVar(&c.timeout, "timeout", 0, "time limit, such as 30s")
	c.registerModel(cmd)
	c.registerJSON(cmd)
}

// registerModel adds the flags about reading the model's file.
func (c *common) registerModel(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.fill, "fill", "", "fill.json with recipes for the model's weights")
	f.StringVar(&c.externalRoot, "external-root", "", "folder, besides the model's, that external data may lie in")
}

func (c *common) registerJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
}

// limit returns the command's context under the time limit.
func (c *common) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.timeout)
}

// parseSize reads a number of bytes with an optional unit.
func parseSize(s string) (int64, error) {
	units := []struct {
		suffix string
		factor float64
	}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"b", 1}}
	text, factor := strings.ToLower(strings.TrimSpace(s)), 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			text, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0) || n*factor > math.MaxInt64/2 {
		return 0, usage("size %q, want something like 512MB", s)
	}
	return int64(n * factor), nil
}

// bounded calls f and returns early when ctx ends; f then goes on in the background until the process ends.
func bounded[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := f()
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}
