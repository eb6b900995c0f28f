// Package zoo knows the published weights that have a plain link, and fetches them.
package zoo

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Model is a file of published weights.
type Model struct {
	Name    string // what a person types
	Title   string
	URL     string
	File    string  // its name on disk
	Input   string  // size of the picture that the network sees
	BoxAP   float64 // on COCO val2017, in percent, as published; 0: not a detector
	MaskAP  float64 // the same of masks; 0: it has none
	Top1    float64 // accuracy on ImageNet, in percent, as published; 0: a detector
	Flags   string  // what convert has to be told, because no tensor tells it
	Licence string  // of the repository, or of the weights
	SHA256  string  // what is published of it: the first digits; empty: nothing
	MD5     string  // the same
	MiB     float64 // size as published, to three digits after the point; 0: not published
	Cut     int64   // bytes of an upload that was cut short and later replaced; 0: none

	LicenceOfWeights bool // the publisher says it of the weights; the others do not name them
}

const (
	checkpoints = "https://storage.googleapis.com/cloud-tpu-checkpoints/detection/"
	tpu         = checkpoints + "maskrcnn/"
	garden      = "https://storage.googleapis.com/tf_model_garden/vision/"
	detectron2  = "https://dl.fbaipublicfiles.com/detectron2/"
	openMMLab   = "https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/"
	torchvision = "https://download.pytorch.org/models/"
	cutUpload   = 536_870_913 // tensorflow/tpu issue 775: half a GiB and a byte; replaced 2020-06-07
)

// Models returns the table. tensorflow/tpu: models/official/detection/MODEL_ZOO.md, whose links lead to
// storage.cloud.google.com; the same objects without a login are at storage.googleapis.com. Model Garden:
// official/vision/MODEL_GARDEN.md. torchvision:
// torchvision/models/detection/mask_rcnn.py, MaskRCNN_ResNet50_FPN_Weights and MaskRCNN_ResNet50_FPN_V2_Weights; its file
// names hold the first digits of the SHA-256.
func Models() []Model {
	list := []Model{
		{Name: "spinenet-49", Title: "SpineNet-49 Mask R-CNN", URL: tpu + "spinenet-49.tar.gz", File: "spinenet-49.tar.gz",
			Input: "640×640", BoxAP: 42.8, MaskAP: 37.8, Licence: "Apache-2.0"},
		{Name: "spinenet-96", Title: "SpineNet-96 Mask R-CNN", URL: tpu + "spinenet-96.tar.gz", File: "spinenet-96.tar.gz",
			Input: "1024×1024", BoxAP: 46.8, MaskAP: 41.2, Licence: "Apache-2.0"},
		{Name: "spinenet-143", Title: "SpineNet-143 Mask R-CNN", URL: tpu + "spinenet-143.tar.gz", File: "spinenet-143.tar.gz",
			Input: "1280×1280", BoxAP: 48.7, MaskAP: 42.6, Licence: "Apache-2.0", Cut: cutUpload},
		{Name: "spinenet-190", Title: "SpineNet-190 Mask R-CNN", URL: tpu + "spinenet-190.tar.gz", File: "spinenet-190.tar.gz",
			Input: "1536×1536", BoxAP: 52.0, MaskAP: 45.9, Licence: "Apache-2.0", Cut: cutUpload},
		{Name: "resnet50-v1", Title: "torchvision maskrcnn_resnet50_fpn", URL: torchvision + "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
			File: "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", Input: "800 to 1333", BoxAP: 37.9, MaskAP: 34.6, Licence: "BSD-3-Clause",
			SHA256: "bf2d0c1e", MiB: 169.84},
		{Name: "resnet50-v2", Title: "torchvision maskrcnn_resnet50_fpn_v2", URL: torchvision + "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
			File: "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", Input: "800 to 1333", BoxAP: 47.4, MaskAP: 41.8, Licence: "BSD-3-Clause",
			SHA256: "73cbd019", MiB: 177.219},
	}
	return slices.Concat(list, ofDetectron2(), ofMMDetection(), retinaNets(), classifiers())
}

// swish is what the trainings that tpu calls best have, and those of the Garden.
const swish = "--activation swish"

// retinaNets are the RetinaNets on SpineNet.
func retinaNets() []Model {
	var list []Model
	for _, m := range []struct {
		variant, input string
		ap             float64
		flags          string
	}{
		{"49S", "640×640", 39.5, ""}, {"49S-best", "640×640", 41.5, swish},
		{"49", "640×640", 42.8, ""}, {"49-best", "640×640", 44.3, swish},
		{"96", "1024×1024", 46.7, ""}, {"96-best", "1024×1024", 48.5, swish},
		{"143", "1280×1280", 48.0, ""}, {"143-best", "1280×1280", 50.6, swish},
		{"190-best", "1280×1280", 52.0, swish},
	} {
		file := "spinenet-" + m.variant + ".tar.gz"
		list = append(list, Model{Name: "retinanet-" + m.variant, Title: "SpineNet-" + m.variant + " RetinaNet", URL: checkpoints + "retinanet/" + file,
			File: "retinanet-" + file, Input: m.input, BoxAP: m.ap, Flags: m.flags, Licence: "Apache-2.0"})
	}
	for _, m := range []struct {
		variant, file, input string
		ap                   float64
	}{
		{"49", "spinenet-49-i640.tar.gz", "640×640", 44.2},
		{"96", "spinenet-96-i1024.tar.gz", "1024×1024", 48.5},
		{"143", "spinenet-143-i1280.tar.gz", "1280×1280", 50.0},
	} {
		list = append(list, Model{Name: "garden-retinanet-" + m.variant, Title: "SpineNet-" + m.variant + " RetinaNet of the Model Garden", URL: garden + "spinenet/" + m.file,
			File: m.file, Input: m.input, BoxAP: m.ap, Licence: "Apache-2.0"})
	}
	return append(list,
		Model{Name: "garden-retinanet-resnet50", Title: "ResNet-50-FPN RetinaNet of the Model Garden", URL: garden + "retinanet/retinanet-resnet50fpn.tar.gz",
			File: "retinanet-resnet50fpn.tar.gz", Input: "640×640", BoxAP: 36.8, Licence: "Apache-2.0"},
		Model{Name: "garden-retinanet-mobile-49", Title: "mobile SpineNet-49 RetinaNet of the Model Garden", URL: garden + "retinanet/spinenet49mobile.tar.gz",
			File: "spinenet49mobile.tar.gz", Input: "384×384", BoxAP: 28.1, Licence: "Apache-2.0"})
}

// ofDetectron2 are its Mask R-CNNs with a ResNet and a feature pyramid. Digits of the MD5 are in the names of the files (MODEL_ZOO.md, which also has the licence).
func ofDetectron2() []Model {
	var list []Model
	for _, m := range []struct {
		name, title, config, id, md5 string
		box, mask                    float64
	}{
		{"r50-1x", "R50-FPN 1x", "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_1x", "137260431", "a54504", 38.6, 35.2},
		{"r50-3x", "R50-FPN 3x", "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x", "137849600", "f10217", 41.0, 37.2},
		{"r101-3x", "R101-FPN 3x", "COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x", "138205316", "a3ec72", 42.9, 38.6},
		{"r50-syncbn", "R50-FPN 3x with norms", "Misc/mask_rcnn_R_50_FPN_3x_syncbn", "169527823", "3b3c51", 41.9, 37.8},
		{"r50-100ep", "R50-FPN 100 epochs", "new_baselines/mask_rcnn_R_50_FPN_100ep_LSJ", "42047764", "bb69de", 44.6, 40.3},
		{"r50-200ep", "R50-FPN 200 epochs", "new_baselines/mask_rcnn_R_50_FPN_200ep_LSJ", "42047638", "89a8d3", 46.3, 41.7},
		{"r50-400ep", "R50-FPN 400 epochs", "new_baselines/mask_rcnn_R_50_FPN_400ep_LSJ", "42019571", "14d201", 47.4, 42.5},
		{"r101-100ep", "R101-FPN 100 epochs", "new_baselines/mask_rcnn_R_101_FPN_100ep_LSJ", "42025812", "4f7b58", 46.4, 41.6},
		{"r101-200ep", "R101-FPN 200 epochs", "new_baselines/mask_rcnn_R_101_FPN_200ep_LSJ", "42131867", "0bb7ae", 48.0, 43.1},
		{"r101-400ep", "R101-FPN 400 epochs", "new_baselines/mask_rcnn_R_101_FPN_400ep_LSJ", "42073830", "f96b26", 48.9, 43.7},
	} {
		file := "model_final_" + m.md5 + ".pkl"
		list = append(list, Model{Name: "detectron2-" + m.name, Title: "Detectron2 " + m.title, URL: detectron2 + m.config + "/" + m.id + "/" + file, File: file,
			Input: "800 to 1333", BoxAP: m.box, MaskAP: m.mask, Licence: "CC-BY-SA-3.0", LicenceOfWeights: true, MD5: m.md5})
	}
	return list
}

// ofMMDetection are its Mask R-CNNs with a ResNet and a feature pyramid (configs/mask_rcnn/metafile.yml).
func ofMMDetection() []Model {
	var list []Model
	for _, m := range []struct {
		name, title, config, rest string
		box, mask                 float64
	}{
		{"r50-1x", "R50-FPN 1x", "mask_rcnn_r50_fpn_1x_coco", "_20200205-d4b0c5d6", 38.2, 34.7},
		{"r50-2x", "R50-FPN 2x", "mask_rcnn_r50_fpn_2x_coco", "_bbox_mAP-0.392__segm_mAP-0.354_20200505_003907-3e542a40", 39.2, 35.4},
		{"r50-3x", "R50-FPN 3x", "mask_rcnn_r50_fpn_mstrain-poly_3x_coco", "_20210524_201154-21b550bb", 40.9, 37.1},
		{"r101-1x", "R101-FPN 1x", "mask_rcnn_r101_fpn_1x_coco", "_20200204-1efe0ed5", 40.0, 36.1},
		{"r101-2x", "R101-FPN 2x", "mask_rcnn_r101_fpn_2x_coco", "_bbox_mAP-0.408__segm_mAP-0.366_20200505_071027-14b391c7", 40.8, 36.6},
		{"r101-3x", "R101-FPN 3x", "mask_rcnn_r101_fpn_mstrain-poly_3x_coco", "_20210524_200244-5675c317", 42.7, 38.5},
		{"r50-caffe-1x", "R50-FPN 1x, caffe style", "mask_rcnn_r50_caffe_fpn_1x_coco", "_bbox_mAP-0.38__segm_mAP-0.344_20200504_231812-0ebd1859", 38.0, 34.4},
		{"r50-caffe-2x", "R50-FPN 2x, caffe style", "mask_rcnn_r50_caffe_fpn_mstrain-poly_2x_coco", "_bbox_mAP-0.403__segm_mAP-0.365_20200504_231822-a75c98ce", 40.3, 36.5},
		{"r50-caffe-3x", "R50-FPN 3x, caffe style", "mask_rcnn_r50_caffe_fpn_mstrain-poly_3x_coco", "_bbox_mAP-0.408__segm_mAP-0.37_20200504_163245-42aa3d00", 40.8, 37.0},
		{"r101-caffe-1x", "R101-FPN 1x, caffe style", "mask_rcnn_r101_caffe_fpn_1x_coco", "_20200601_095758-805e06c1", 40.4, 36.4},
		{"r101-caffe-3x", "R101-FPN 3x, caffe style", "mask_rcnn_r101_caffe_fpn_mstrain-poly_3x_coco", "_20210526_132339-3c33ce02", 42.9, 38.5},
	} {
		flags := ""
		if strings.Contains(m.name, "caffe") {
			flags = "--style caffe"
		}
		file := m.config + m.rest + ".pth"
		list = append(list, Model{Name: "mmdetection-" + m.name, Title: "mmdetection " + m.title, URL: openMMLab + m.config + "/" + file, File: file,
			Input: "800 to 1333", BoxAP: m.box, MaskAP: m.mask, Flags: flags, Licence: "Apache-2.0"})
	}
	return list
}

// classifiers are the SpineNets for ImageNet.
func classifiers() []Model {
	var list []Model
	for _, m := range []struct {
		variant string
		top1    float64
		flags   string
	}{
		{"49", 77.0, ""}, {"96", 78.2, ""}, {"143", 79.0, ""},
		{"49-best", 78.1, swish}, {"96-best", 79.4, swish}, {"143-best", 80.1, swish}, {"190-best", 80.8, swish},
	} {
		file := "spinenet-" + m.variant + "-imagenet.tar.gz"
		list = append(list, Model{Name: "classification-" + m.variant, Title: "SpineNet-" + m.variant + " classifier", URL: checkpoints + "classification/" + file,
			File: file, Input: "224×224", Top1: m.top1, Flags: m.flags, Licence: "Apache-2.0"})
	}
	return list
}

// Accuracy is what is published of it, in words.
func (m Model) Accuracy() string {
	switch {
	case m.Top1 > 0:
		return fmt.Sprintf("top-1 %.1f", m.Top1)
	case m.MaskAP > 0:
		return fmt.Sprintf("box AP %.1f, mask AP %.1f", m.BoxAP, m.MaskAP)
	}
	return fmt.Sprintf("box AP %.1f", m.BoxAP)
}

// Find returns the model with the name.
func Find(name string) (Model, bool) {
	for _, m := range Models() {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}

// isMiB says whether size bytes are so many MiB, rounded to three digits.
func isMiB(size int64, mib float64) bool {
	return math.Round(float64(size)/(1<<20)*1000) == math.Round(mib*1000)
}
