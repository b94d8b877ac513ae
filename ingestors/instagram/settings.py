"""Settings of the Instagram channel."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from pipeline.settings import Settings


class InstagramSettings(Settings):
    """Without ``access_token`` answers are recorded instead of sent, and nothing is looked up."""

    model_config = SettingsConfigDict(env_prefix="TANGGAP_INSTAGRAM_", env_file=".env", frozen=True, extra="ignore")

    app_secret: SecretStr = Field(
        SecretStr("demo-instagram-app-secret"),
        min_length=16,
        description="App secret that signs deliveries (X-Hub-Signature-256).",
    )
    app_secret_previous: SecretStr | None = Field(
        None, min_length=16, description="The secret before a rotation; accepted until it is unset."
    )
    verify_token: SecretStr = Field(
        SecretStr("demo-instagram-verify-token"), description="Token of the subscription challenge (hub.verify_token)."
    )
    access_token: SecretStr | None = Field(
        None, description="Page access token: for answers, for looking back and for the check of the subscription."
    )
    graph_url: str = Field(
        "https://graph.facebook.com/v26.0",
        pattern=r"^(?:https://[^/\s]+|http://(?:127\.0\.0\.1|localhost)(?::[0-9]+)?)(?:/\S*)?$",
        description="Graph API address and version; plain http on loopback only.",
    )
    user_id: str = Field(
        "17841400000000001", pattern=r"^[0-9]{1,30}$", description="Id of the city's Instagram professional account."
    )
    page_id: str = Field(
        "100000000000002", pattern=r"^[0-9]{1,30}$", description="Id of the Page that the account is linked to."
    )
    private_replies: bool = Field(
        False, description="Answer comments by a private reply where Meta allows one, else in public."
    )
    history_post_days: int = Field(
        30, ge=1, le=365, description="How old a post may be whose comments are looked for, in days."
    )
