"""Predictions on new scans: a trained model's folder and files from outside, to masks and facts.

``describe`` is the file beside the weights, ``model`` the network behind it, ``inputs`` what was
given, ``check`` how far that is from the training data, ``predict`` the work, ``outputs`` what is
written, ``export`` the way to ONNX, ``explain`` what the network looked at, ``app`` the web page.
"""
