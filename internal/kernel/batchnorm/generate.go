package batchnorm

//go:generate go -C _asm run . -out ../zbatchnorm_amd64.s -stubs ../zstubs_amd64.go -pkg batchnorm
