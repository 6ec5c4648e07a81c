package main

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/data"
	"github.com/onnxrun/onnxrun/tensor"
)

var errNoTarget = errors.New("finetune: the sample has no target")

// A shaped dataset gives targets the shape that the loss wants: a class as the number 0 or 1, for one score.
type shaped struct {
	*data.Set
	binary bool
}

// dataset returns a set as the trainer wants it.
func (j *job) dataset(s *data.Set) finetune.Dataset {
	_, bce := j.set.loss.(finetune.BCEWithLogits)
	return &shaped{s, bce && j.set.classes != nil}
}

// Sample implements finetune.Dataset.
func (d *shaped) Sample(i int) (finetune.Sample, error) { return d.shape(d.Set.Sample(i)) }

// View implements finetune.Viewed.
func (d *shaped) View(i, view int) (finetune.Sample, error) { return d.shape(d.Set.View(i, view)) }

// Targets implements finetune.Targeted.
func (d *shaped) Targets(i int) ([]*tensor.Tensor, error) {
	list, err := d.Set.Targets(i)
	s, err := d.shape(finetune.Sample{Targets: list}, err)
	return s.Targets, err
}

func (d *shaped) shape(s finetune.Sample, err error) (finetune.Sample, error) {
	if err != nil || !d.binary {
		return s, err
	}
	if len(s.Targets) != 1 || s.Targets[0].DType() != tensor.Int64 {
		return s, fmt.Errorf("%w of a class", errNoTarget)
	}
	s.Targets = []*tensor.Tensor{tensor.FromSlice([]float32{float32(tensor.Of[int64](s.Targets[0])[0])}, 1)}
	return s, nil
}
