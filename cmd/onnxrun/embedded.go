package main

import (
	"context"
	"fmt"
	"image"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// embedded runs the embedded digit reader on the embedded picture, or on one given by --input, and answers
// in words.
func (r *runner) embedded(ctx context.Context, cmd *cobra.Command) error {
	opts, err := r.options()
	if err != nil {
		return err
	}
	img, err := r.picture()
	if err != nil {
		return err
	}
	s, err := runtime.OpenBytes(models.Digits, opts)
	if err != nil {
		return err
	}
	defer closeSession(cmd, s)
	out, ms, err := timed(ctx, s, map[string]*tensor.Tensor{models.DigitsInput: models.DigitCells(img)})
	if err != nil {
		return err
	}
	digits, err := models.ReadDigits(out[models.DigitsOutput])
	if err != nil {
		return err
	}
	answer := fmt.Sprintf("%s, %d cells in %.2f ms", models.DigitsSentence(digits), len(digits), ms)
	return r.report(cmd, s.Outputs(), out, ms, answer)
}

// picture returns the picture to read.
func (r *runner) picture() (image.Image, error) {
	if r.inputs.dir != "" || len(r.inputs.files) > 1 || len(r.outputs) > 0 {
		return nil, usage("the embedded model takes one --input PICTURE; give a model for other inputs and outputs")
	}
	data := models.DigitsPicture
	if len(r.inputs.files) == 1 {
		file := strings.TrimPrefix(r.inputs.files[0], models.DigitsInput+"=")
		var err error
		if data, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	return pipeline.DecodeImage(data)
}
