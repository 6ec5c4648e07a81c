// Package feed makes values for models and carries them to and from files: weights and inputs by the
// fill/1 recipe, seeded synthetic inputs, folders of input files, pictures and sounds, and output files.
//
// It imports runtime and pipeline, and what these import.
package feed
