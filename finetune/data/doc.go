// Package data reads labelled samples for fine-tuning: folders with a sub-folder for each class of pictures or sounds,
// tables (CSV, TSV, JSON lines, Parquet), arrays of NumPy and safetensors, and lists of token ids. It finds labels,
// columns and preprocessing from the file and from what the model takes, says what it found and why, names what is
// wrong by file and row, and splits, balances and augments samples, always in the same way for the same seed.
//
// It imports finetune, pipeline, and what these may import; github.com/parquet-go/parquet-go reads Parquet.
package data
