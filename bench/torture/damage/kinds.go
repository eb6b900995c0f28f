//go:build linux

package main

import (
	"os"
	"path/filepath"

	"github.com/spinemask/spinemask/internal/testkit/modelfiles"
)

// kinds are small models of the programs of which none is committed. scratch is a folder.
func kinds(scratch string) ([]sample, error) {
	network := modelfiles.Detectron2(50, 3)
	zoo := modelfiles.NumPy(modelfiles.Items{{Key: "model", Value: network}, {Key: "__author__", Value: "Detectron2 Model Zoo"}})
	mmdet := func(version modelfiles.Item) []byte {
		return modelfiles.PyTorch(modelfiles.Items{{Key: "meta", Value: modelfiles.Items{version}}, {Key: "state_dict", Value: modelfiles.MMDetection(network)}})
	}
	list := []sample{
		{name: "Detectron2, pkl", extension: ".pkl", data: zoo},
		{name: "Detectron2, pth", extension: ".pth", data: modelfiles.PyTorch(modelfiles.Items{{Key: "model", Value: network}})},
		{name: "Detectron", extension: ".pkl", data: modelfiles.Python2(modelfiles.Items{{Key: "blobs", Value: modelfiles.Caffe2(network)}})},
		{name: "mmdetection 2", extension: ".pth", data: mmdet(modelfiles.Item{Key: "mmdet_version", Value: "2.28.2"})},
		{name: "mmdetection 3", extension: ".pth", data: mmdet(modelfiles.Item{Key: "mmengine_version", Value: "0.10.7"})},
		{name: "config.yaml", damaged: "config.yaml", given: "model.pkl", data: []byte(options), beside: map[string][]byte{"model.pkl": zoo}},
	}
	folder := filepath.Join(scratch, "sharded")
	index, err := modelfiles.Sharded(folder, network, 2)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			return nil, err
		}
	}
	for name, data := range files {
		if name != "model-00002-of-00002.safetensors" {
			list = append(list, sample{name: "several safetensors, " + name, damaged: name, given: filepath.Base(index), data: data, beside: files})
		}
	}
	return list, os.RemoveAll(folder)
}

const options = `INPUT: {FORMAT: BGR, MIN_SIZE_TEST: 800, MAX_SIZE_TEST: 1333}
MODEL:
  META_ARCHITECTURE: GeneralizedRCNN
  MASK_ON: true
  PIXEL_MEAN: [103.53, 116.28, 123.675]
  PIXEL_STD: [1.0, 1.0, 1.0]
  RESNETS: {STRIDE_IN_1X1: true, RES5_DILATION: 1}
  ANCHOR_GENERATOR: {SIZES: [[32], [64], [128], [256], [512]], ASPECT_RATIOS: [[0.5, 1.0, 2.0]]}
  RPN: {NMS_THRESH: 0.7, PRE_NMS_TOPK_TEST: 1000, POST_NMS_TOPK_TEST: 1000}
  ROI_HEADS: {NMS_THRESH_TEST: 0.5, SCORE_THRESH_TEST: 0.05}
TEST: {DETECTIONS_PER_IMAGE: 100}
`
