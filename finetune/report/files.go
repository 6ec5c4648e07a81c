package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

// WriteFiles writes report.html and a file "NAME.svg" for each of its figures into a folder that exists. Each file is written
// beside its name first and then renamed, so that there is the old one or the new one, whatever happens; only its owner may
// read it, since it names samples.
func (r *Report) WriteFiles(dir string) error {
	if err := writeFile(filepath.Join(dir, "report.html"), r.Write); err != nil {
		return err
	}
	for _, f := range r.Figures() {
		if err := writeFile(filepath.Join(dir, f.Name+".svg"), f.WriteSVG); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("report: %s: %w", filepath.Base(path), err)
		}
	}()
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// Samples describes cases for a page. name returns the name of a sample, class that of a class or label.
func Samples(cases []metric.Case, name func(sample int64) string, class func(k int) string) []Sample {
	list := make([]Sample, len(cases))
	for i, c := range cases {
		list[i] = Sample{
			Name: name(c.Sample), Loss: c.Loss, Confidence: c.Confidence,
			Truth: names(c.Truth, class) + figures(c.Target), Predicted: names(c.Predicted, class) + figures(c.Output),
		}
	}
	return list
}

func names(list []int, class func(int) string) string {
	words := make([]string, len(list))
	for i, k := range list {
		words[i] = class(k)
	}
	return strings.Join(words, ", ")
}

func figures(list []float32) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = short(metric.Value(v))
	}
	return strings.Join(words, ", ")
}
