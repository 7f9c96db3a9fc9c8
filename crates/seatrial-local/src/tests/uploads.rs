//! Uploads of layers of which two parts come at once.

use axum::body::{Body, Bytes};
use serde_json::json;
use tokio::sync::mpsc;

use super::{call, cloud_in, operator};
use crate::services::ecr::{Ecr, UploadLayerPart, digest};

#[tokio::test]
async fn a_layer_gets_no_bytes_after_its_digest_was_compared() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    call(&cloud, "ecr:CreateRepository", json!({"repositoryName": "app"})).await.unwrap();
    let begun = call(&cloud, "ecr:InitiateLayerUpload", json!({"repositoryName": "app"})).await.unwrap();
    let upload_id = begun["uploadId"].as_str().unwrap().to_owned();
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let part = |stream: Body| UploadLayerPart {
        repository_name: "app".to_owned(),
        upload_id: upload_id.clone(),
        part_first_byte: None,
        layer_part_blob: String::new(),
        stream: Some(stream),
    };
    let open = tokio::spawn({
        let (cloud, part) = (cloud.clone(), part(Body::from_stream(stream)));
        async move { cloud.call(&operator(), part).await.map(drop) }
    });
    sender.send(Ok(Bytes::from_static(b"layer"))).await.unwrap();
    let file = cloud.part::<Ecr>().upload_file(&upload_id);
    while std::fs::metadata(&file).unwrap().len() < 5 {
        tokio::task::yield_now().await;
    }

    let complete =
        json!({"repositoryName": "app", "uploadId": upload_id, "layerDigests": [digest(b"layer")]});
    let early = call(&cloud, "ecr:CompleteLayerUpload", complete.clone()).await.unwrap_err();
    let beside = cloud.call(&operator(), part(Body::from("more"))).await.map(drop).unwrap_err();
    drop(sender);
    open.await.unwrap().unwrap();

    assert_eq!(
        (early.code.as_str(), beside.code.as_str()),
        ("InvalidLayerException", "InvalidLayerPartException")
    );
    call(&cloud, "ecr:CompleteLayerUpload", complete).await.unwrap();
}
