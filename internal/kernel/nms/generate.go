package nms

//go:generate go -C _asm run . -out ../znms_amd64.s -stubs ../zstubs_amd64.go -pkg nms
