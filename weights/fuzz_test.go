package weights

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// FuzzLoad opens files of every format and reads all of what it accepts: nothing may panic, and nothing larger than the
// file may come out of it, but for values that repeat.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth", "hostile_zip.pth"} {
		b, err := os.ReadFile("internal/pytorch/testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	var native bytes.Buffer
	tensors := []Tensor{
		NewTensor("spinenet/conv2d/kernel", []int{7, 7, 3, 1}, make([]float32, 147)),
		NewTensor("spinenet/batch_normalization/gamma", []int{1}, make([]float32, 1)),
		NewTensor("spinenet/sub_policy0/scale_permuted_block_2/conv2d/kernel", []int{1, 1, 1, 1}, make([]float32, 1)),
		NewTensor("rpn_head/rpn-l3-bn/gamma", []int{1}, make([]float32, 1)),
		NewTensor("fast_rcnn_head/fc6/kernel", []int{2, 2}, make([]float32, 4)),
	}
	if err := write(&native, tensors, map[string]string{"config": "{}"}); err != nil {
		f.Fatal(err)
	}
	f.Add(native.Bytes())
	var torch bytes.Buffer
	tensors = []Tensor{
		NewTensor("state_dict/"+mmdetMarker, []int{1, 1, 1, 1}, make([]float32, 1)),
		NewTensor("state_dict/bbox_head.shared_fcs.0.weight", []int{2, 4}, make([]float32, 8)),
		NewTensor("state_dict/bbox_head.fc_reg.bias", []int{8}, make([]float32, 8)),
		NewTensor("state_dict/rpn_head.rpn_reg.weight", []int{3, 1, 1, 1}, make([]float32, 3)),
	}
	if err := write(&torch, tensors, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(torch.Bytes())
	for _, names := range [][]string{
		{"model/" + detectron2Marker, "model/backbone.bottom_up.res2.0.conv1.norm.weight", "model/roi_heads.mask_head.predictor.weight", "model/roi_heads.box_head.fc1.weight"},
		{"blobs/res2_0_branch2a_w", "blobs/res2_0_branch2a_bn_s", "blobs/bbox_pred_w", "blobs/mask_fcn_logits_w", "blobs/fpn_inner_res5_2_sum_w"},
		{"state_dict/" + mmdetResNetMarker, "state_dict/roi_head.bbox_head.fc_reg.weight", "state_dict/roi_head.mask_head.conv_logits.weight"},
		{torchvisionMarker, "roi_heads.box_head.fc6.weight", "roi_heads.box_predictor.bbox_pred.weight"},
	} {
		var b bytes.Buffer
		var list []Tensor
		for _, name := range names {
			list = append(list, NewTensor(name, []int{2, 2, 1, 1}, make([]float32, 4)))
		}
		if err := write(&b, list, nil); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add(numpyArray("<", 17500, "c_codecs\nencode\n"+binaryText(strings.Repeat("a", 70000))+"U\x06latin1\x86R"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<17 {
			return
		}
		// As if it were mapped: then nothing beyond the end may be asked for.
		c, err := readBlob("m", &blob{memory: b, reader: bytes.NewReader(b), size: int64(len(b)), hashed: bytes.NewReader(b), shut: func() error { return nil }})
		if err != nil {
			return
		}
		file, err := c.file("m", newFile)
		if err != nil {
			return
		}
		defer file.Close()
		_, _, _ = file.Config(Options{})
		_ = Check(file, nil)
		for _, v := range file.tensors {
			if got, err := v.Float32(nil); err == nil && len(got) != v.Len() {
				t.Fatalf("%s: %d values, shape %v", v.Name, len(got), v.Shape)
			}
		}
	})
}
